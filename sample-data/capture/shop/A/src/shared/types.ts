export type Product = { id: number; name: string; price: number; category: string; blurb: string };
export type CartItem = { product: Product; qty: number };
export type Discount = { code: string; amount: number };
export type Totals = { subtotal: number; shipping: number; discount: Discount; total: number };
export type Cart = { id: string; items: CartItem[]; totals: Totals };
export type Stock = { onHand: number };
export type Preferences = { currency: string; theme: string };
export type Profile = { name: string; phone: string; preferences: Preferences };

export type ShopState = {
  page: 'home' | 'product' | 'cart' | 'checkout' | 'order';
  products: Product[];
  product?: Product;
  orderId?: string;
};
export type AccountState = { page: 'login' | 'account'; profile?: Profile };
